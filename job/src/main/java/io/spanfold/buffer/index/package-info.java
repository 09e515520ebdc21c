/**
 * The index in Redis: which segments, subsegments and spans there are of each trace. The traces of
 * a bucket are in one slot, so that one script call serves many of them.
 */
package io.spanfold.buffer.index;
