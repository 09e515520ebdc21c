/**
 * Takes over what Redis holds where the state of the job that wrote it is lost: its spans go
 * through the pipeline once more, before those of the source topic.
 */
package io.spanfold.job.adopt;
