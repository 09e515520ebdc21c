/**
 * The fold: which spans belong to one segment, in which parts they leave, and when. Pure code: it
 * knows neither Flink nor Kafka nor Redis, and takes its time from record timestamps.
 */
package io.spanfold.core.fold;
