package io.spanfold.job.serialization;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * The receipt of a discard is its request only, as it has neither messages nor spans.
 *
 * <p>The sink holds one receipt a part from the flush to the commit, so their form is kept short.
 */
final class ReceiptCodec implements Codec<Receipt> {

  private static final int ID_DIGITS = 16;

  private final FlushRequestCodec requests = new FlushRequestCodec();

  @Override
  public void write(Receipt value, DataOutput out) throws IOException {
    requests.write(value.request(), out);
    if (value.request() instanceof Discard) {
      return;
    }
    VarInts.write(value.chunkBytes(), out);
    VarInts.write(value.flushIds().size(), out);
    for (String flushId : value.flushIds()) {
      out.writeLong(HexFormat.fromHexDigitsToLong(flushId, 0, ID_DIGITS));
      out.writeLong(HexFormat.fromHexDigitsToLong(flushId, ID_DIGITS, 2 * ID_DIGITS));
    }
    VarInts.write(value.spanIds().length, out);
    for (long spanId : value.spanIds()) {
      out.writeLong(spanId);
    }
  }

  @Override
  public Receipt read(int version, DataInput in) throws IOException {
    FlushRequest request = requests.read(version, in);
    if (request instanceof Discard discard) {
      return FlushedPart.discarded(discard).receipt();
    }
    int chunkBytes = VarInts.readInt(in);
    int count = VarInts.readInt(in);
    List<String> flushIds = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      flushIds.add(Hex.id(in.readLong(), in.readLong()));
    }
    long[] spanIds = new long[VarInts.readInt(in)];
    for (int i = 0; i < spanIds.length; i++) {
      spanIds[i] = in.readLong();
    }
    return new Receipt(request, chunkBytes, flushIds, spanIds);
  }
}
