/** Flink's REST interface, the job's options, and the job once it is submitted. */
package io.spanfold.local.flink;
