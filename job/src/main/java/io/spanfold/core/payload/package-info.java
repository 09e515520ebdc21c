/** What a subsegment looks like as bytes. Pure code: it knows neither Flink nor Kafka nor Redis. */
package io.spanfold.core.payload;
