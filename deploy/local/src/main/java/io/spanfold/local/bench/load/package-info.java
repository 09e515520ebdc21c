/** The spans that the benchmarks are run with: seeded, so the same in every run. */
package io.spanfold.local.bench.load;
