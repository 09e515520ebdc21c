/**
 * A step that talks to another system while the stream goes on: Flink's async operator in purpose,
 * with what the write and the flush need and it lacks. It is bounded in bytes, loses no element to
 * time-outs, keeps no watermark in state, answers an element in one go, and keeps elements of one
 * kind in order where asked.
 */
package io.spanfold.job.async;
