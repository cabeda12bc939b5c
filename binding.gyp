# For those who type "npx node-gyp rebuild": CMakeLists.txt does the work. (node-gyp empties build/ first; then run npm run build.)
{
  "targets": [{
    "target_name": "ktrace",
    "type": "none",
    "actions": [{
      "action_name": "cmake-js",
      "inputs": ["CMakeLists.txt", "<!@(ls native/*)"],
      "outputs": ["<(module_root_dir)/build/Release/ktrace.node"],
      "action": ["node", "node_modules/cmake-js/bin/cmake-js", "compile", "--out", "build/cmake"],
    }],
  }],
}
