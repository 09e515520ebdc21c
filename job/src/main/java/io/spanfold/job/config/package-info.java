/**
 * Configuration: the options, how they are read from arguments and files, and the checked settings
 * that the job is built from.
 */
package io.spanfold.job.config;
