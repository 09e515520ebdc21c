/** How far record time has come: the clock that deadlines are held against. */
package io.spanfold.job.time;
