/**
 * JMH benchmarks of the loops that every span goes through. Scores are per span; {@code -prof gc}
 * tells what each allocates.
 */
package io.spanfold.benchmarks;
