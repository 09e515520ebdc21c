package io.spanfold.job.serialization;

import io.spanfold.core.fold.Node;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

final class NodeCodec implements Codec<Node> {

  private static final int LAST = 1;
  private static final int SEEN = 2;

  @Override
  public void write(Node node, DataOutput out) throws IOException {
    out.writeByte((node.last() ? LAST : 0) | (node.seen() ? SEEN : 0));
    out.writeLong(node.redirect());
    if (!node.last()) {
      out.writeLong(node.next());
    }
  }

  @Override
  public Node read(int version, DataInput in) throws IOException {
    int flags = in.readByte();
    long redirect = in.readLong();
    boolean last = (flags & LAST) != 0;
    return new Node(redirect, last ? 0 : in.readLong(), last, (flags & SEEN) != 0);
  }
}
