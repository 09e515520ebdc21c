/**
 * Connections to one Redis node or a cluster: pipelines with retries, scripts, and the names of all
 * keys.
 */
package io.spanfold.buffer.redis;
