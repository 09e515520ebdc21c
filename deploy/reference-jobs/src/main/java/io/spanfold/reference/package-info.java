/**
 * The jobs that the benchmark holds Spanfold against. They read and parse with Spanfold's own
 * classes, so that a difference in speed is none of parsing.
 */
package io.spanfold.reference;
