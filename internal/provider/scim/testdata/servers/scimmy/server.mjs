// A SCIM server of the npm packages scimmy and scimmy-routers over two maps in
// memory, for tests. The packages do the protocol; what an application has to
// bring (storage, uniqueness, filtering) is here. It prints its address.
import {createRequire} from "node:module";
import {randomUUID} from "node:crypto";

const require = createRequire(process.argv[2] + "/");
const express = require("express");
const {default: SCIMMYRouters, SCIMMY} = require("scimmy-routers");

SCIMMY.Config.set({bulk: {supported: true, maxOperations: 100, maxPayloadSize: 1048576}, sort: true, filter: {supported: true, maxResults: 1000}});
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);

const users = new Map(), groups = new Map();

// store makes the three handlers of a type over a map.
const store = (map, key) => ({
    egress: (resource) => {
        if (resource.id) {
            if (!map.has(resource.id)) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
            return map.get(resource.id);
        }
        const all = [...map.values()];
        return resource.filter ? resource.filter.match(all) : all;
    },
    ingress: (resource, instance) => {
        const data = JSON.parse(JSON.stringify(instance));
        for (const other of map.values()) {
            if (other.id !== resource.id && other[key].toLowerCase() === data[key].toLowerCase()) {
                throw new SCIMMY.Types.Error(409, "uniqueness", `${key} is taken`);
            }
        }
        const now = new Date().toISOString();
        const old = resource.id ? map.get(resource.id) : undefined;
        if (resource.id && !old) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
        const id = old?.id ?? randomUUID();
        const saved = {...data, id, meta: {created: old?.meta.created ?? now, lastModified: now}};
        map.set(id, saved);
        return saved;
    },
    degress: (resource) => {
        if (!map.delete(resource.id)) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
    },
});

SCIMMY.Resources.declare(SCIMMY.Resources.User, store(users, "userName"));
SCIMMY.Resources.declare(SCIMMY.Resources.Group, store(groups, "displayName"));

const app = express();
app.use("/scim/v2", new SCIMMYRouters({
    type: "basic",
    handler: (request) => {
        const want = "Basic " + Buffer.from(`${process.env.TEST_USER}:${process.env.TEST_PASSWORD}`).toString("base64");
        if (request.header("Authorization") !== want) throw new Error("wrong user or password");
        return "";
    },
}));

const listener = app.listen(0, "127.0.0.1", () => {
    console.log(`http://127.0.0.1:${listener.address().port}/scim/v2`);
});
process.stdin.resume(); // ends with the test that started it
process.stdin.on("end", () => process.exit(0));
