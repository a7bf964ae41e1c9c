# Everything that CI checks
test:
    scripts/test.sh

# The headline scenarios
demo *arguments:
    scripts/demo.sh {{arguments}}

# Write the committed schemas anew
schemas:
    for name in $(cargo run --locked -q --bin wirelab -- schema); do cargo run --locked -q --bin wirelab -- schema $name > schemas/$name.json; done
