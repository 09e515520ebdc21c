/**
 * All that talks to Redis: {@link io.spanfold.buffer.SegmentStore} is the face, the rest stands
 * behind it.
 */
package io.spanfold.buffer;
