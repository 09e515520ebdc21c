package io.spanfold.local.kafka;

import java.io.IOException;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Counts the spans that were sent, and those in the job's output. For use by one thread. */
public final class SpanCounts {

  private long sent;
  private long emitted;
  private long messages;
  private long deadLetters;
  private long outcomes;

  public void addSent(long spans) {
    sent += spans;
  }

  /** Counts a record of one of the topics that the job writes. */
  public void addOutput(ConsumerRecord<byte[], byte[]> output) throws IOException {
    switch (output.topic()) {
      case Topics.SEGMENTS -> {
        emitted += OutputRecords.spansIn(output.value());
        messages++;
      }
      case Topics.DEAD_LETTERS -> deadLetters++;
      case Topics.OUTCOMES -> outcomes += OutputRecords.quantityOf(output.value());
      default -> throw new IllegalArgumentException("not an output topic: " + output.topic());
    }
  }

  public long sent() {
    return sent;
  }

  /** Returns the spans in messages of segments. */
  public long emitted() {
    return emitted;
  }

  /** Returns the messages of segments; a segment in several chunks counts once per chunk. */
  public long messages() {
    return messages;
  }

  public long deadLetters() {
    return deadLetters;
  }

  /** Returns the spans that outcomes report. */
  public long outcomes() {
    return outcomes;
  }

  /** Returns the spans that are in no output: still buffered, or dropped as duplicates. */
  public long open() {
    return sent - emitted - deadLetters - outcomes;
  }
}
