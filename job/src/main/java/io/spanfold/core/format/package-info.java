/**
 * From bytes of the source topic to spans, or to the reason why not. Pure code: it knows neither
 * Flink nor Kafka nor Redis.
 */
package io.spanfold.core.format;
