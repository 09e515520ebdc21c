/**
 * From a part's payloads to the messages of the segments topic. Pure code: it knows neither Flink
 * nor Kafka nor Redis.
 */
package io.spanfold.core.segment;
