/** The state of the Redis nodes: memory, eviction policy, and whether they accept writes. */
package io.spanfold.buffer.memory;
