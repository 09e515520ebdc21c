/**
 * Where payloads are in Redis: merged in a hash a segment, small in a hash a bucket, or distributed
 * in a key each. The rollout phase decides.
 */
package io.spanfold.buffer.layout;
