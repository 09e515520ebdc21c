/**
 * Adopts what a job left in Redis whose state is lost: its spans go through the pipeline again,
 * before those of the source topic.
 */
package io.spanfold.job.adopt;
