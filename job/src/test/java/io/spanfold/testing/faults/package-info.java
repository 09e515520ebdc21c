/** Lets the job's process die at a chosen point of what it says to real servers. */
package io.spanfold.testing.faults;
