/**
 * Kafka, a Redis Cluster and Flink: {@code InProcessServers}, or {@code ProcessServers} that can be
 * killed one by one. Everything they write is in a {@code RunDirectory}.
 */
package io.spanfold.local.servers;
