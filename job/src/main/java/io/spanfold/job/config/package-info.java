/**
 * What an operator can set: the options, how they are read from arguments and files, and the
 * validated settings that the job is built from.
 */
package io.spanfold.job.config;
