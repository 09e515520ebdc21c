package io.spanfold.core.model;

import io.spanfold.core.encoding.Hex;
import java.io.Serializable;

/**
 * The key of spans from the source to the sink: one project's share of one trace. A span is never
 * joined to a parent of another project.
 *
 * <p>{@link #hashCode()} decides the key group of a trace in every savepoint, so it never changes.
 *
 * @param projectId the project, from 0
 * @param traceHigh the first 16 hexadecimal digits of the trace id
 * @param traceLow the last 16 hexadecimal digits of the trace id
 */
public record TraceKey(long projectId, long traceHigh, long traceLow)
    implements Serializable, Comparable<TraceKey> {

  @Override
  public int hashCode() {
    long mixed = projectId * 0x9E3779B97F4A7C15L ^ traceHigh * 0xC2B2AE3D27D4EB4FL ^ traceLow;
    mixed = (mixed ^ (mixed >>> 32)) * 0xD6E8FEB86659FD93L;
    return (int) (mixed ^ (mixed >>> 32));
  }

  /**
   * Any total order. Producers choose trace ids, and so could choose equal hash codes; with an
   * order, hash maps stay fast.
   */
  @Override
  public int compareTo(TraceKey other) {
    int compared = Long.compare(traceLow, other.traceLow);
    if (compared == 0) {
      compared = Long.compare(traceHigh, other.traceHigh);
    }
    return compared == 0 ? Long.compare(projectId, other.projectId) : compared;
  }

  /** Returns the trace id as 32 lower-case hexadecimal digits. */
  public String traceId() {
    return Hex.id(traceHigh, traceLow);
  }

  /**
   * Returns {@code project:trace}: the key of sink records, and the hash tag that gives a trace one
   * slot in Redis.
   */
  @Override
  public String toString() {
    return projectId + ":" + traceId();
  }
}
