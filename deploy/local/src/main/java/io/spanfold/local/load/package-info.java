/**
 * A load of generated traces, and the judgement of what came out of it.
 *
 * <p>{@code TraceGenerator} makes records and knows of each span which segment is its own; {@code
 * Ledger} takes what was sent and what was read, and gives a {@code Verdict}. Nothing here knows
 * Kafka, Flink or Redis.
 */
package io.spanfold.local.load;
