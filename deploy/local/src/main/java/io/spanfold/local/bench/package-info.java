/**
 * Measures how fast the job is on this machine, beside references that run in turn with it. The
 * broker, each Redis node and Flink are processes of their own, so that CPU can be told apart.
 */
package io.spanfold.local.bench;
