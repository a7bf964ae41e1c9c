# Everything that CI checks
test:
    scripts/test.sh

# The headline scenarios
demo *arguments:
    scripts/demo.sh {{arguments}}

# Write the committed schemas anew
schemas:
    for name in scenario run evidence bench bench-plan; do cargo run --locked -q --bin wirelab -- schema $name > schemas/$name.json; done
