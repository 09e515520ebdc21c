/**
 * JMH benchmarks of the loops that every span goes through. Scores are per span; {@code -prof gc}
 * adds the allocations per span.
 */
package io.spanfold.benchmarks;
