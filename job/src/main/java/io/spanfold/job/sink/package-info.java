/**
 * The job's output: one sink that recovers aborted transactions, and two strategies for it. One
 * writes segments and outcomes, and cleans up after the commit; the other writes dead letters and
 * the outcomes of dropped spans.
 */
package io.spanfold.job.sink;
