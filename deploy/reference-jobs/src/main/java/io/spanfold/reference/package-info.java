/**
 * The jobs that the benchmark compares Spanfold with. They read and parse with Spanfold's own
 * classes, so a difference in speed is not caused by parsing.
 */
package io.spanfold.reference;
