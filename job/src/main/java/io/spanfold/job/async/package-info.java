/**
 * A stage that calls another system while the stream continues. It has the purpose of Flink's async
 * operator, and what that one lacks: it is bounded by cost, loses no element to a timeout, keeps no
 * watermarks in state, emits the results of an element together, and keeps elements of one key in
 * order.
 */
package io.spanfold.job.async;
