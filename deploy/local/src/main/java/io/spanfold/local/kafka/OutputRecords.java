package io.spanfold.local.kafka;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/** Converts the job's output records to lines of a file, and counts the spans in them. */
public final class OutputRecords {

  private static final ObjectMapper JSON = new ObjectMapper();

  private OutputRecords() {}

  /**
   * Returns a JSON value on one line. An unescaped line break in JSON is always white space between
   * tokens, so a space can replace it.
   */
  public static byte[] oneLine(byte[] json) {
    byte[] line = json.clone();
    for (int i = 0; i < line.length; i++) {
      if (line[i] == '\n' || line[i] == '\r') {
        line[i] = ' ';
      }
    }
    return line;
  }

  /**
   * Returns a dead letter as {@code {"headers":{...},"key":...,"value":...}}. Bytes that are not
   * UTF-8 are written as base64 in {@code key_base64}, {@code value_base64} or {@code
   * headers_base64}. Of several headers with one name, the last is written.
   */
  public static byte[] deadLetter(ConsumerRecord<byte[], byte[]> letter) throws IOException {
    ObjectNode line = JSON.createObjectNode();
    ObjectNode headers = line.putObject("headers");
    ObjectNode binary = JSON.createObjectNode();
    for (Header header : letter.headers()) {
      byte[] value = header.value();
      Optional<String> text = utf8(value);
      if (value == null || text.isPresent()) {
        headers.put(header.key(), text.orElse(null));
      } else {
        binary.put(header.key(), Base64.getEncoder().encodeToString(value));
      }
    }
    if (!binary.isEmpty()) {
      line.set("headers_base64", binary);
    }
    put(line, "key", letter.key());
    put(line, "value", letter.value());
    return JSON.writeValueAsBytes(line);
  }

  private static void put(ObjectNode line, String name, byte[] bytes) {
    Optional<String> text = utf8(bytes);
    if (bytes == null || text.isPresent()) {
      line.put(name, text.orElse(null));
    } else {
      line.put(name + "_base64", Base64.getEncoder().encodeToString(bytes));
    }
  }

  private static Optional<String> utf8(byte[] bytes) {
    if (bytes == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  /** Returns the number of spans in a message of a segment. */
  static int spansIn(byte[] message) throws IOException {
    try (JsonParser parser = UnlimitedJson.FACTORY.createParser(message)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean isSpans = parser.currentName().equals("spans");
        if (parser.nextToken() == JsonToken.START_ARRAY && isSpans) {
          int spans = 0;
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            parser.skipChildren();
            spans++;
          }
          return spans;
        }
        parser.skipChildren();
      }
    }
    return 0;
  }

  /** Returns why the spans that an outcome reports were not emitted. */
  public static String reasonOf(byte[] outcome) throws IOException {
    return JSON.readTree(outcome).path("reason").asText();
  }

  /** Returns the number of spans that an outcome reports. */
  public static long quantityOf(byte[] outcome) throws IOException {
    return JSON.readTree(outcome).path("quantity").asLong();
  }
}
