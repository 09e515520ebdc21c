/** Groups the spans of one trace in a batch into subsegments. */
package io.spanfold.core.batch;
