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

final class ReceiptCodec implements Codec<Receipt> {

  private static final int ID_DIGITS = 16;
  private final FlushRequestCodec requests = new FlushRequestCodec();

  @Override
  public void write(Receipt value, DataOutput out) throws IOException {
    requests.write(value.request(), out);
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
    FlushRequest request = requests.read(version, in);
    int chunkBytes = VarInts.readInt(in);
    int flushCount = VarInts.readInt(in);
    List<String> flushIds = new ArrayList<>(flushCount);
    for (int i = 0; i < flushCount; i++) {
      flushIds.add(Hex.id(in.readLong(), in.readLong()));
    }
    long[] spanIds = new long[VarInts.readInt(in)];
    for (int i = 0; i < spanIds.length; i++) {
      spanIds[i] = in.readLong();
    }
    return new Receipt(request, chunkBytes, flushIds, spanIds);
  }
}
