package io.spanfold.testing.faults;

import io.spanfold.testing.faults.WireProxy.Request;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.kafka.common.protocol.ApiKeys;

/** Kafka's requests: a length of four bytes, then a header that begins with the API's key. */
public final class KafkaRequests implements WireProxy.Protocol {

  @Override
  public Request read(DataInputStream in) throws IOException {
    int length;
    try {
      length = in.readInt();
    } catch (EOFException e) {
      return null;
    }
    byte[] bytes = new byte[Integer.BYTES + length];
    in.readFully(bytes, Integer.BYTES, length);
    ByteBuffer.wrap(bytes).putInt(length);
    short key = ByteBuffer.wrap(bytes).getShort(Integer.BYTES);
    String name = ApiKeys.hasId(key) ? ApiKeys.forId(key).name() : "api " + key;
    return new Request("Kafka " + name, bytes);
  }
}
