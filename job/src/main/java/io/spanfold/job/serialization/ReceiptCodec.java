package io.spanfold.job.serialization;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.FlushedPart.Receipt;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes and reads receipts. The version of the request in one is written with it, so that {@link
 * FlushRequestCodec} can evolve independently.
 */
public final class ReceiptCodec implements Codec<Receipt> {

  private static final long serialVersionUID = 1L;
  private static final int ID_DIGITS = 16;
  private static final FlushRequestCodec REQUESTS = new FlushRequestCodec();

  @Override
  public int version() {
    return 1;
  }

  @Override
  public void write(Receipt value, DataOutput out) throws IOException {
    VarInts.write(REQUESTS.version(), out);
    REQUESTS.write(value.request(), out);
    VarInts.write(value.chunkBytes(), out);
    VarInts.write(value.flushIds().size(), out);
    for (String flushId : value.flushIds()) {
      out.writeLong(Hex.parseId(flushId.substring(0, ID_DIGITS)));
      out.writeLong(Hex.parseId(flushId.substring(ID_DIGITS)));
    }
    VarInts.write(value.spanIds().length, out);
    for (long spanId : value.spanIds()) {
      out.writeLong(spanId);
    }
  }

  @Override
  public Receipt read(int version, DataInput in) throws IOException {
    FlushRequest request = REQUESTS.read(VarInts.readInt(in), in);
    int chunkBytes = VarInts.readInt(in);
    int flushCount = VarInts.readInt(in);
    List<String> flushIds = new ArrayList<>(flushCount);
    for (int i = 0; i < flushCount; i++) {
      flushIds.add(Hex.id(in.readLong()) + Hex.id(in.readLong()));
    }
    long[] spanIds = new long[VarInts.readInt(in)];
    for (int i = 0; i < spanIds.length; i++) {
      spanIds[i] = in.readLong();
    }
    return new Receipt(request, chunkBytes, flushIds, spanIds);
  }
}
