/**
 * Runs Kafka, a Redis Cluster, Flink and the job on one machine.
 *
 * <p>{@code Main} selects one of the commands, each in a package of its own: {@code demo}, {@code
 * replay}, {@code cluster}, {@code chaos}, {@code hugetraces}, {@code bench} and {@code inspect}.
 * They share, from the bottom up: {@code cli} (arguments, output), {@code kafka} (topics, clients),
 * {@code flink} (REST interface, submitted job) and {@code servers} (in this process or as
 * processes of their own). A new command is one package and one entry in {@code Main}.
 */
package io.spanfold.local;
