/**
 * The buffer in Redis. {@link io.spanfold.buffer.SegmentStore} writes, loads and removes payloads
 * and keeps the index of traces; the sub-packages do the work. {@code redis} is below all others,
 * and {@code orphan} above: it reads what a lost job left.
 */
package io.spanfold.buffer;
