/** The spans of the benchmarks: seeded, so the same in every run. */
package io.spanfold.local.bench.load;
