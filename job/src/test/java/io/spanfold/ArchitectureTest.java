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

/** Which package may know what. */
class ArchitectureTest {

  private static final String[] SERVERS_AND_FLINK = {
    "org.apache.flink..", "org.apache.kafka..", "redis.clients.."
  };

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .importUrl(SpanfoldJob.class.getProtectionDomain().getCodeSource().getLocation());

  @Test
  void pureCodeKnowsNeitherFlinkNorKafkaNorRedis() {
    noClasses()
        .that()
        .resideInAnyPackage(ours("model"), ours("fold"), ours("build"), ours("payload"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(SERVERS_AND_FLINK)
        .check(CLASSES);
  }

  @Test
  void onlyTheEdgesOfHalfPurePackagesKnowFlink() {
    noClasses()
        .that()
        .resideInAnyPackage(ours("parse"), ours("bundle"), ours("codec"))
        .and(
            areNot(
                "parse.OutcomeTally",
                "parse.ParseFunction",
                "parse.SourceRecordSchema",
                "bundle.BundleOperator",
                "codec.CodecSerializer",
                "codec.CodecSerializerSnapshot",
                "codec.CodecTypeInfo"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(SERVERS_AND_FLINK)
        .check(CLASSES);
  }

  @Test
  void onlyTheStoreKnowsRedis() {
    noClasses()
        .that()
        .resideOutsideOfPackage(ours("store"))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("redis.clients..")
        .check(CLASSES);
  }

  @Test
  void theStoreKnowsNeitherFlinkNorKafka() {
    noClasses()
        .that()
        .resideInAPackage(ours("store"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.apache.flink..", "org.apache.kafka..")
        .check(CLASSES);
  }

  @Test
  void whatIsKeptUpOfTheLeaseKnowsNoFlink() {
    noClasses()
        .that()
        .resideInAPackage(ours("lease"))
        .and(areNot("lease.Lease", "lease.TaskAttempt", "lease.LeaseRefusedException"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.apache.flink..")
        .check(CLASSES);
  }

  @Test
  void theSinkLeavesCleaningUpToOthers() {
    noClasses()
        .that()
        .resideInAPackage(ours("sink"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(ours("store"), ours("lease"), ours("flush"))
        .check(CLASSES);
  }

  @Test
  void readingAgainKnowsNoFlink() {
    noClasses()
        .that()
        .resideInAPackage(ours("reread"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.apache.flink..")
        .check(CLASSES);
  }

  @Test
  void onlyTheEndsOfThePipelineKnowKafka() {
    noClasses()
        .that()
        .resideOutsideOfPackages(ours("source"), ours("sink"), ours("check"))
        .and(areNot("Steps", "parse.SourceRecordSchema", "reread.PositionReader"))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.apache.kafka..")
        .check(CLASSES);
  }

  @Test
  void packagesAreFreeOfCycles() {
    slices().matching("io.spanfold.(*)..").should().beFreeOfCycles().check(CLASSES);
    noClasses()
        .that()
        .resideOutsideOfPackage("io.spanfold")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.spanfold")
        .check(CLASSES);
  }

  @Test
  void onlyTheStoresRetriesSleep() {
    noClasses()
        .that(areNot("store.RetryPolicy"))
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
