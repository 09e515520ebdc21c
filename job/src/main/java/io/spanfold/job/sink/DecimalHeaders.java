package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.stream.IntStream;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * Headers of one name whose values are numbers in decimal; those of small numbers are made once.
 */
final class DecimalHeaders {

  private static final int SMALL = 256;

  private final String name;
  private final Header[] small;

  DecimalHeaders(String name) {
    this.name = name;
    this.small = IntStream.range(0, SMALL).mapToObj(this::make).toArray(Header[]::new);
  }

  /** Returns the header of a number from 0. */
  Header of(int number) {
    return number < SMALL ? small[number] : make(number);
  }

  private Header make(int number) {
    return new RecordHeader(name, Integer.toString(number).getBytes(US_ASCII));
  }
}
