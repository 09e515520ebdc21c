/** What the tasks of a job have in common where they run in one process. */
package io.spanfold.job.resource;
