/**
 * The {@code bench} command.
 *
 * <p>{@code Bench} runs the parts of a {@code Plan}: {@code Throughput} measures a {@code
 * Contender} in a {@code FlinkRun}, {@code LiveRun} measures latency and recovery, {@code Report}
 * prints and writes the results.
 */
package io.spanfold.local.bench;
