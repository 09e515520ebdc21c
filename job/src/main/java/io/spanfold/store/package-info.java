/**
 * All that talks to Redis: {@link io.spanfold.store.SegmentStore} is the face, the rest stands
 * behind it.
 */
package io.spanfold.store;
