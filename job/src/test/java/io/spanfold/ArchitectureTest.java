package io.spanfold;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Three layers: {@code core} is pure, {@code buffer} talks to Redis, {@code job} is Flink. */
class ArchitectureTest {

  private static final String FLINK = "org.apache.flink..";
  private static final String KAFKA = "org.apache.kafka..";
  private static final String REDIS = "redis.clients..";

  private static final String CORE = ours("core");
  private static final String BUFFER = ours("buffer");
  private static final String JOB = ours("job");

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .importUrl(SpanfoldJob.class.getProtectionDomain().getCodeSource().getLocation());

  @Test
  void coreKnowsNeitherFlinkNorKafkaNorRedis() {
    noClasses()
        .that()
        .resideInAPackage(CORE)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(FLINK, KAFKA, REDIS, BUFFER, JOB)
        .check(CLASSES);
  }

  @Test
  void bufferKnowsNeitherFlinkNorKafka() {
    noClasses()
        .that()
        .resideInAPackage(BUFFER)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(FLINK, KAFKA, JOB)
        .check(CLASSES);
  }

  @Test
  void onlyBufferKnowsRedis() {
    noClasses()
        .that()
        .resideOutsideOfPackage(BUFFER)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(REDIS)
        .check(CLASSES);
  }

  @Test
  void onlyTheEndsOfThePipelineKnowKafka() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            ours("job.kafka"),
            ours("job.source"),
            ours("job.sink"),
            ours("job.preflight"),
            ours("job.recovery"))
        .and(areNot("job.PipelineFactory"))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(KAFKA)
        .check(CLASSES);
  }

  @Test
  void theSinkLeavesCleaningUpToOthers() {
    noClasses()
        .that()
        .resideInAPackage(ours("job.sink"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(BUFFER, ours("job.lease"), ours("job.flush"))
        .check(CLASSES);
  }

  @Test
  void packagesAreFreeOfCycles() {
    slices().matching("io.spanfold.(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void nothingDependsOnTheMainClass() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.spanfold")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.spanfold")
        .check(CLASSES);
  }

  @Test
  void onlyRetriesOfRedisSleep() {
    noClasses()
        .that(areNot("buffer.redis.RetryPolicy"))
        .should()
        .callMethodWhere(
            describe("a thread sleeps", (JavaMethodCall call) -> call.getName().equals("sleep"))
                .and(
                    describe(
                        "by the clock",
                        (JavaMethodCall call) ->
                            call.getTargetOwner().isEquivalentTo(Thread.class)
                                || call.getTargetOwner()
                                    .isEquivalentTo(java.util.concurrent.TimeUnit.class))))
        .check(CLASSES);
  }

  @Test
  void theRulesLookAtTheClassesOfTheJob() {
    assertThat(CLASSES.contain(SpanfoldJob.class)).isTrue();
    assertThat(CLASSES.contain(ArchitectureTest.class)).isFalse();
  }

  private static String ours(String name) {
    return "io.spanfold." + name + "..";
  }

  /** Nested classes count as the class they are in. */
  private static com.tngtech.archunit.base.DescribedPredicate<JavaClass> areNot(String... names) {
    Set<String> known = Set.of(names);
    assertThat(known)
        .as("classes that are excepted exist")
        .allMatch(name -> CLASSES.contain("io.spanfold." + name));
    return describe(
        "are not " + Arrays.toString(names),
        type ->
            !known.contains(
                type.getName().replaceFirst("\\$.*", "").replaceFirst("^io\\.spanfold\\.", "")));
  }
}
