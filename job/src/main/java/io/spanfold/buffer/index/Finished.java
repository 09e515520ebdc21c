package io.spanfold.buffer.index;

import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.SmallPayload;
import java.util.List;

/**
 * What a call has done that removes flushed subsegments.
 *
 * @param refused whether it has done nothing, because a newer epoch has the bucket's lock
 * @param free small payloads that no subsegment in the index needs any more; named again when the
 *     call is repeated
 * @param large receipts of large traces, which are to be finished by {@link
 *     IndexScripts#finishLarge}
 */
public record Finished(boolean refused, List<SmallPayload> free, List<Receipt> large) {

  static final Finished REFUSED = new Finished(true, List.of(), List.of());
}
