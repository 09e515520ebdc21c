/**
 * Kafka, a Redis Cluster and Flink on one machine, with the job submitted to it as its jar.
 *
 * <p>{@code Main} picks a {@code Command}; a command starts {@code LocalServers} in a {@code
 * RunDirectory}, submits the job over Flink's REST interface and reads its topics. {@code Cluster}
 * and {@code Chaos} start {@code ClusterServers} instead, which are processes of their own. A new
 * subcommand is one class and one entry in {@code Main}.
 */
package io.spanfold.local;
