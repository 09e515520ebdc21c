/** The words of the pipeline as types. They know neither Flink nor Kafka nor Redis. */
package io.spanfold.core.model;
