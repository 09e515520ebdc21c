/** Writes bundles to Redis, beside the stream. */
package io.spanfold.write;
