package io.spanfold.buffer.index;

import io.spanfold.core.model.TraceKey;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The hash tags of buckets, each found once: to find one takes about as many attempts as there are
 * buckets. Thread-safe.
 */
public final class BucketTags {

  private final Buckets buckets;
  private final AtomicReferenceArray<String> tags;

  public BucketTags(Buckets buckets) {
    this.buckets = buckets;
    this.tags = new AtomicReferenceArray<>(buckets.count());
  }

  public Buckets buckets() {
    return buckets;
  }

  /** Returns the tag of a bucket, without braces. */
  public String of(int bucket) {
    String tag = tags.get(bucket);
    if (tag == null) {
      // Two threads may both find it: it is the same.
      tag = buckets.tag(bucket);
      tags.set(bucket, tag);
    }
    return tag;
  }

  /** Returns the tag of a trace's bucket, without braces. */
  public String of(TraceKey trace) {
    return of(buckets.of(trace));
  }
}
