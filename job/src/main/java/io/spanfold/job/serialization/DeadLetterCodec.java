package io.spanfold.job.serialization;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.DeadLetter.Header;
import io.spanfold.core.model.SourcePosition;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

final class DeadLetterCodec implements Codec<DeadLetter> {

  @Override
  public void write(DeadLetter value, DataOutput out) throws IOException {
    VarInts.writeNullable(value.key(), out);
    VarInts.writeNullable(value.value(), out);
    VarInts.write(value.headers().size(), out);
    for (Header header : value.headers()) {
      writeText(header.key(), out);
      VarInts.writeNullable(header.value(), out);
    }
    writeText(value.reason(), out);
    writeText(value.topic(), out);
    VarInts.write(value.position().partition(), out);
    VarInts.write(value.position().offset(), out);
    VarInts.write(value.position().index(), out);
    writeText(value.error(), out);
  }

  @Override
  public DeadLetter read(int version, DataInput in) throws IOException {
    byte[] key = VarInts.readNullable(in);
    byte[] value = VarInts.readNullable(in);
    int headerCount = VarInts.readInt(in);
    List<Header> headers = new ArrayList<>(headerCount);
    for (int i = 0; i < headerCount; i++) {
      headers.add(new Header(readText(in), VarInts.readNullable(in)));
    }
    return new DeadLetter(
        key,
        value,
        headers,
        readText(in),
        readText(in),
        new SourcePosition(VarInts.readInt(in), VarInts.read(in), VarInts.readInt(in)),
        readText(in));
  }

  // Not writeUTF, which takes 64 KiB at most.
  private static void writeText(String text, DataOutput out) throws IOException {
    byte[] bytes = text.getBytes(UTF_8);
    VarInts.write(bytes.length, out);
    out.write(bytes);
  }

  private static String readText(DataInput in) throws IOException {
    byte[] bytes = new byte[VarInts.readInt(in)];
    in.readFully(bytes);
    return new String(bytes, UTF_8);
  }
}
